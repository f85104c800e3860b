"""Trains the embedder: photos -> edited views -> training -> int8 ONNX file -> figures and model card.

A tool of its own and no part of the product: it needs the extra `train` (PyTorch, onnx). Its modules, from nouns up:

    pictures, photos        what a picture is here, and where photos come from
    geometry, tones,        the edits that make a copy of a picture
    drawing, templates
    views, look_alikes,     two views a picture, look-alikes beside it, a batch of both
    batches
    architecture, network,  what learns and where it is computed, what it is told, what it remembers
    compute, losses
    recipe, checkpoint,     one run: what was asked, where it stands, how it went
    progress, train
    ranking, benchmark,     how good a model is: formulas, test pictures, figures
    evaluate
    graph, rounding, export the file that ships
    run, finish             all of it in a row, in one folder, and what is said of it: the model card
"""
