def is_native(r):
    return True
