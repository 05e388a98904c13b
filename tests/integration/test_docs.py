"""The documents say what the programs do."""

import re
import subprocess
from pathlib import Path

from lib.stack import program

ROOT = Path(__file__).resolve().parents[2]


def test_the_readme_lists_every_setting_as_the_program_knows_it():
    shown = subprocess.run([program("millraced"), "--settings"], capture_output=True, text=True, check=True).stdout
    readme = (ROOT / "README.md").read_text()
    lines = [line for line in shown.splitlines() if line.startswith("| `")]
    assert len(lines) > 20
    assert [line for line in lines if line not in readme] == []


def test_links_between_documents_lead_somewhere():
    broken = []
    documents = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    for document in documents:
        for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text()):
            if not (document.parent / target).exists():
                broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert broken == []
