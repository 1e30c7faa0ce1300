"""Models: ids go in, logits come out. Each of ours exists twice, and a test holds the two equal.

`forward` computes whole batches with torch, for training; `advance` reads token after token with NumPy, which takes a
third of the time for one text and is there to be read.

lstm                 Embedding -> LSTM -> logits
transformer          a small GPT
keras_twin           the LSTM in Keras on TensorFlow
pretrained           any causal model of `transformers`; pretrained_tokenizer, pretrained_files belong to it
sentence_embedding   a model that turns a sentence into one vector
checkpoint           save and load a trained model with its tokenizer
"""
