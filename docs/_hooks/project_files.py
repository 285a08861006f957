"""Makes pages of the project's own files, such as CHANGELOG.md, which lie outside docs/."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

PAGES = {
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing-guide.md",
    "SECURITY.md": "security.md",
}


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Adds the pages; a link into docs/ becomes one between pages."""
    root = Path(config.config_file_path).parent
    for name, page in PAGES.items():
        text = (root / name).read_text(encoding="utf-8")
        for other, its_page in PAGES.items():
            text = text.replace(f"]({other}", f"]({its_page}")
        files.append(File.generated(config, page, content=text.replace("](docs/", "](")))
    return files
