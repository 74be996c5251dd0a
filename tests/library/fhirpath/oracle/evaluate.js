// Cases on standard input, one JSON list; what fhirpath.js gives for each on standard output, in the same order.
const fhirpath = require("fhirpath");
const r4 = require("fhirpath/fhir-context/r4");
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
const results = cases.map(({ expression, context, base, environment }) => {
  try {
    const path = base ? { base, expression } : expression;
    return { value: fhirpath.evaluate(context, path, environment, r4, { async: false }) };
  } catch (error) {
    return { error: String(error.message || error).slice(0, 200) };
  }
});
process.stdout.write(JSON.stringify(results));
