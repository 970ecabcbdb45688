"""What can be written for a deposit or a paper from evidence alone, and what is left to a person?"""
