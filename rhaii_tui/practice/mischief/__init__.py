"""Faults that other hands bring: people who edit objects, machines that go, clients that send what nobody expects.

Faults inside an imitated part are asked for by that part (`world.faults.on`); those here act from outside, once per
thing they find, and take back on lifting what nobody else has changed since.
"""
