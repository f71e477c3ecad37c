"""Answers the rows of a Ray data set with two workers, and prints what was answered."""

import ray
import thinkwire.ray

ray.init(log_to_driver=False)
questions = ray.data.from_items([{"id": n, "prompt": f"What is {n} + {n}?"} for n in range(3)])
answers = thinkwire.ray.map_batches(questions, "alibaba/qwen3-32b", workers=2, rpm=600)
for row in answers.iter_rows():
    print(row["id"], (row["error"] or row["content"]).replace("\n", " ")[:60])
