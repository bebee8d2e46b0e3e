"""deltaroi: did the response of a brain region change with training, and more so than in the control group?"""
