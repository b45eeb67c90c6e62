// Numbers
