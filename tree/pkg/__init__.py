here = 'pkg'
