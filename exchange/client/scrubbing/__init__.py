"""What a file says beyond its content, and how it is taken out before anything is sealed.

A photograph holds the place where it was taken, a PDF its author and the name of their computer. The
members need neither. The originals are never changed: what is sealed is a copy without them. Pages
and pixels stay as they are, bit for bit; a file in which nothing is found is sealed unchanged.
"""
