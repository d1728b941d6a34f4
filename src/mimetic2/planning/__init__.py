"""Before and while images are made: what a study will cost, what it can show, and which images are worth making.

``allocation`` decides how many images each concept gets after the first ones; the rest answers `mimetic2 plan`.
"""
