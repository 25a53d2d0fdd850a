"""`amanat doctor`: looks at a set-up from outside, names what is wrong with it and how to mend it.

Nothing is started and nothing is changed.  Each check looks at one thing and answers with findings;
a check that another one's failure makes pointless says so instead of failing too.
"""
