"""Configuration of the documentation."""

import mimetic2

project = "mimetic2"
author = "The mimetic2 authors"
release = version = mimetic2.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "mimetic2"
exclude_patterns = ["_build", "validation"]
autodoc_typehints = "description"
nitpicky = False
