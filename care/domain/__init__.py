"""Pure rules: values in, values out, standard library only; `now` is always an argument."""
