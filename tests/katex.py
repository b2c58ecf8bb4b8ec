"""KaTeX, where node finds it: what it says of formulas."""

import json
import shutil
import subprocess

import pytest

RENDER = """
const katex = require("katex"), failed = [];
for (const text of JSON.parse(require("fs").readFileSync(0))) {
  try { katex.renderToString(text, {displayMode: true, throwOnError: true, strict: "error"}); }
  catch (error) { failed.push([text, error.message]); }
}
console.log(JSON.stringify(failed));
"""


def run(script, text=""):
    return subprocess.run(["node", "-e", script], input=text, capture_output=True, text=True, check=False)


def is_installed():
    return shutil.which("node") and run('require("katex")').returncode == 0


needs_katex = pytest.mark.skipif(not is_installed(), reason="node or its package katex is not installed")


def failures(formulas):
    """The formulas that KaTeX refuses or warns of, and why."""
    done = run(RENDER, json.dumps(list(formulas)))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
