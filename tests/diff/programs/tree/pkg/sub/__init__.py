here = "sub"
