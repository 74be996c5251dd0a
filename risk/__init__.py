"""The instrument room: from one patient's measures to a calibrated risk, its reasons, or a refusal.

Values in, values out. Nothing here knows a table, a door or the wall clock: the caller passes the measures, the moment
and the patient's time zone, and gets an `Assessment`, or an `AssessmentError` whose reason goes to a nurse.

    manifest     what a bundle declares: measures, features, limits, bands (pydantic)
    graph        the operators of an ONNX file, read without the onnx package
    bundle       a model's directory, verified: hashes, operators, golden rows
    features     measures -> the float32 vector, as the manifest declares it; the same code trains and serves
    scoring      vector -> Assessment, one at a time or many
    explanation  an Assessment in words: what raises it, what lowers it, what was not known
    registry     a folder of bundles -> the `assess` that Runtime carries
    recipes/     offline training (pandas, scikit-learn, onnx); the server never imports it
"""
