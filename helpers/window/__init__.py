"""Live pages: the window in which a text streams, sliders over one distribution, and a training run, watched.

explorer              the live window: the session, and what its buttons do
compare               two runs of the same prompt, side by side
forks                 the branches that a text has left
controls              widgets and their layout
journey               records as messages to the page; journey.js draws them, journey.css has their looks
page                  a recorded journey as one HTML file, for a browser alone
charts                figures that change as a whole, which journey.js draws as well
distribution, nudge, gate, training_monitor     what lessons show with them
views                 how a cell shows a widget, and a text that streams
"""
