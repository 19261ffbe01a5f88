"""What running tracked jobs do with their GPUs, CPUs and memory, from the best source there is.

Belongs: which source is asked for which job, what its numbers are worth, gaps, our own sampler.
Never: what the numbers mean for people (idle, wasteful), any label with a job id, other topics.
Read first: providers.py, choice.py, judge.py, survey.py; docs/sampling.md.
"""
