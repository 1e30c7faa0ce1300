"""Live pages: the window in which a text streams, sliders over one distribution, and a training run, watched.

explorer             the live window: the session, and what its buttons do
controls             its widgets and their layout; explorer.css their looks
distribution         sliders that reshape one distribution
training_monitor     a training run, watched; training_views draws it
views, stages, svg   records as HTML and SVG
"""
