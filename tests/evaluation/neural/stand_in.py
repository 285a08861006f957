"""A stand-in for a neural metric: python stand_in.py BEHAVIOUR."""

import json
import sys
import time


def main(behaviour: str) -> None:
    header = json.dumps({"name": "words", "version": "1.0", "signature": "shared:words"})
    lines = sys.stdin.read().splitlines()
    scores = []
    for line in lines:
        sentence = json.loads(line)
        found, wanted = (set(sentence[key].split()) for key in ("translation", "reference"))
        scores.append(json.dumps({"score": 100 * len(found & wanted) / max(1, len(wanted))}))
    match behaviour:
        case "crashes":
            sys.stderr.write("loading\nno such model:\x1b[2J words" + "\n")
            sys.exit(3)
        case "hangs":
            time.sleep(600)
        case "rubbish":
            sys.stdout.write(("Downloading … 100 %") + "\n")
        case "nothing":
            return
        case "floods":
            while True:
                sys.stdout.write(("x" * 100_000) + "\n")
        case "too few":
            scores = scores[1:]
        case "too many":
            scores.append(scores[0])
        case "NaN":
            scores[1] = '{"score": NaN}'
        case "huge":
            scores[1] = '{"score": 1e400}'
        case "text":
            scores[1] = '{"score": "good"}'
        case "true":
            scores[1] = '{"score": true}'
        case "no score":
            scores[1] = "[]"
        case "bad header":
            header = '{"name": "a|b", "version": "1", "signature": "s"}'
        case "environment":
            import os

            assert "PYTHONPATH" not in os.environ
    sys.stdout.write(("\n".join([header, *scores]) if behaviour != "rubbish" else "") + "\n")


main(sys.argv[1])
