"""How Sphinx makes the documentation of docs/: `make docs`."""

from runner import __version__ as release

project = "pabal"
copyright = "the authors of pabal, Apache-2.0"
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
default_role = "literal"  # what `backticks` in docstrings are
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {name: name for name in ("RunEvent", "Source", "Json")}
add_module_names = False

html_theme = "furo"
html_title = "pabal"
html_copy_source = False
html_show_sourcelink = False
