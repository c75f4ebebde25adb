here = "pkg"
