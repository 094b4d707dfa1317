"""What importing Gradio does to the machine."""

import subprocess
import sys

from paths import ROOT

IMPORT = """
import inspect, sys

def watch(event, arguments):
    if event == "open" and str(arguments[0]).endswith(".pyi"):
        print("opened", arguments[0])

sys.addaudithook(watch)
from frcrn_app.web.surroundings import import_gradio
getfile = inspect.getfile
import_gradio()
import gradio
print(inspect.getfile is getfile, inspect.getfile(gradio.HTML).endswith("html.py"))
"""


def test_gradio_is_imported_without_stubs_for_editors_and_nothing_else_notices():
    command = [sys.executable, "-c", IMPORT]
    imported = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert imported.stdout == "True True\n"
