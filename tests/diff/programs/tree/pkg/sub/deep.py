
def one(): 
    from .. import here
    return here
def two():
    from ..plain import value, other
    return value, other
def three():
    from . import here as mine, deep
    return mine, deep.__name__
def four():
    from .missing import nothing
def five():
    from ....too import far
def six():
    from .. import sub, plain
    return sub.__name__, plain.__name__
