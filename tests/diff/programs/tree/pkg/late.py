late = True
