"""Asks avbtool whether images verify: one line in (image, and PARTITION:LOCATION:KEY where it names one), one line out."""

import contextlib
import importlib.util
import io
import sys

spec = importlib.util.spec_from_file_location("avbtool", sys.argv[1])
avbtool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(avbtool)

for line in sys.stdin:
    image, chain = line.rstrip("\n").split("\t")
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            avbtool.Avb().verify_image(image, None, [chain] if chain else None, False, False)
        print("verifies", flush=True)
    except Exception as error:
        print(f"{type(error).__name__}: {error} {said.getvalue()}".replace("\n", " "), flush=True)
