"""Live pages: the window in which a text streams, sliders over one distribution, and a training run, watched.

explorer             the live window: the session, and what its buttons do
controls             its widgets and their layout; explorer.css their looks
page                 a recorded journey as one HTML file, for a browser alone
distribution         sliders that reshape one distribution
training_monitor     a training run, watched; training_views draws it
views, stages, svg   records as HTML and SVG
"""
