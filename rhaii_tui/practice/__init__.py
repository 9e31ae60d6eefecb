"""The practice cloud: a second program that speaks Google's and Kubernetes' wire protocols on loopback.

It imports nothing of the product: it is the other side of the wire, written from the protocols.
"""
