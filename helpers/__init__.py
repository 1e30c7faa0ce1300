"""The code behind the lessons: what happens to each token, one module a station, and the rooms beside the way.

leaves            records      plain frozen data: Token, Candidate, TokenStep, TrainingStep
                  checks       the checks of arguments that all share
                  protocols    what is asked of a model and of a tokenizer
                  sentences    what a figure shows, in words, for the page and for paper
text -> ids       tokenizer    train a BPE vocabulary, encode, decode, stream ids back into text
                  corpus       the texts that models learn from
ids -> logits     models/      LSTM, Transformer, Keras twin, real models, checkpoints
learning          training/    the training loop as a generator of records, its configuration, baselines
logits -> id      sampling     the table of filters: temperature, top-k, top-p; and the draw
all of it         streaming    text -> ids -> vectors -> logits -> probabilities -> one id -> text, token by token
pictures          figures/     matplotlib figures of the records, each with a sentence that says what it shows
live pages        window/      the live window, sliders over a distribution, a training run, watched
the course        exercises/   predictions to make, exercises that check themselves, a learner's progress

Import the module that you need: `from helpers.streaming import stream`.
"""
