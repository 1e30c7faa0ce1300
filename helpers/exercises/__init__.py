"""Exercises that ask and predictions that count: what the cells of the lessons call.

    check("01.3", answer)   a verdict on an answer: "Yes." or "Not yet: …"
    predict("01.2")         a guess to make before the next cell is run
    my_progress()           what has been solved so far, a bar a lesson; reset_progress() begins anew

The questions themselves stand in the lessons. What a right answer is, and what is wrong about wrong ones, stands in
one module a lesson: lesson_01, lesson_02, …
"""

from helpers.exercises.checking import Verdict, check
from helpers.exercises.predicting import PredictionWidget, predict
from helpers.exercises.progress import ProgressReport, my_progress, reset_progress

__all__ = ["PredictionWidget", "ProgressReport", "Verdict", "check", "my_progress", "predict", "reset_progress"]
