"""The code behind the lessons, one module a step of the journey.

text -> ids       tokenizer    train a BPE vocabulary, encode, decode, stream ids back into text
                  corpus       the texts that models learn from
ids -> logits     model        Embedding -> LSTM -> logits
                  transformer  the same with attention: a small GPT
others' models    pretrained   any causal model of `transformers`; model_files finds and loads it
                  sentence_embedding   a model that turns a sentence into one vector
                  keras_twin   the LSTM once more, in Keras on TensorFlow
learning          training     the training loop as a generator of records; held-out bits per byte
                  baselines    what a model has to beat: counting n-grams
                  checkpoint   save and load a trained model with its tokenizer
logits -> id      sampling     temperature, top-k, top-p, and the draw
all of it         streaming    text -> ids -> vectors -> logits -> probabilities -> one id -> text, token by token
watching          explorer     the live window: a stream that obeys its sliders; controls holds its widgets
                  distribution, training_monitor   sliders over a distribution; a training run, watched
pictures          plots        figures of those records, each with a sentence that says what it shows
                  views, training_views, svg       the same as HTML for live pages
                  geometry     vectors seen on a plane

Import the module that you need: `from helpers.streaming import stream`.
"""
