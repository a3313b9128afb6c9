"""Speed and memory of any engine on any model: contenders in processes of their own, driven in turn."""
