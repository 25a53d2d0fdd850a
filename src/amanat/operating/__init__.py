"""Running an installation for years: is it ready, what does it measure, what is wrong with it.

Above the composition root, since it looks at all parts; below the faces, which show what it finds.
"""
