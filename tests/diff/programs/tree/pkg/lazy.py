asked = []
def __getattr__(name):
    asked.append(name)
    if name.startswith('__'):
        raise AttributeError(name)
    return 'lazy ' + name
