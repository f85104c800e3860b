"""The geometric proof: is one picture made from the other, and what is to be seen of that?"""
