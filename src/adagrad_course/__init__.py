"""AdaGrad, explained by experiment: optimizers, objectives and the means to watch them.

The modules are imported one by one, as in `from adagrad_course.optimizers import AdaGrad`, so that
none of them costs a reader anything that they do not use.
"""

__version__ = "1.0.0"
