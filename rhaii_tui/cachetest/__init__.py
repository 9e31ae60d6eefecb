"""The built-in console: is the endpoint healthy, does routing keep prefixes together, does the cache deliver?"""
