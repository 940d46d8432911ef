# asserts: MarkovTaskSet, transition, transitions
# run: --headless --only-summary -u 1 -t 20
"""A chain of states in all ways that transitions are written."""

from facts import fact, finish
from locust import MarkovTaskSet, User, constant, transition, transitions

visits = []


class Chain(MarkovTaskSet):
    @transition("second")
    def first(self):
        visits.append("first")

    @transitions({"third": 3})
    def second(self):
        visits.append("second")

    @transitions(["fourth"])
    def third(self):
        visits.append("third")

    @transitions([("first", 2)])
    def fourth(self):
        visits.append("fourth")
        if len(visits) > 8:
            fact("visits", visits)
            finish(self.user)


class MyUser(User):
    wait_time = constant(0)
    tasks = [Chain]


def why(make):
    try:
        make()
    except Exception as error:
        return type(error).__name__


def no_states():
    class Empty(MarkovTaskSet):
        pass


def unknown():
    class Unknown(MarkovTaskSet):
        @transition("nowhere")
        def a(self):
            pass


def not_a_state():
    class NotAState(MarkovTaskSet):
        @transition("b")
        def a(self):
            pass

        def b(self):
            pass


fact("refused", [why(no_states), why(unknown), why(not_a_state)])
