#!/bin/bash
# numba: a cached function that takes a namedtuple fails after the class was renamed.
#
# The cache's index is unpickled before numba looks whether the source changed, and it names the
# classes of the arguments. So an update that renames one ends in AttributeError, where any other
# change of the source compiles the function again.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet numba==0.68.1 numpy==2.4.6
cd "$work"
cat > points.py <<'EOF'
from typing import NamedTuple
import numba
class Point(NamedTuple):
    x: float
    y: float
@numba.njit(cache=True)
def norm(point):
    return (point.x**2 + point.y**2) ** 0.5
EOF
venv/bin/python -c 'import numba, points; print("numba", numba.__version__, points.norm(points.Point(3.0, 4.0)))'
sed -i 's/\*\*2/ ** 2/' points.py
venv/bin/python -c 'import points; print("  source changed: compiled again:", points.norm(points.Point(3.0, 4.0)))'
sed -i 's/Point/Position/' points.py
if venv/bin/python -c 'import points; points.norm(points.Position(3.0, 4.0))' 2> error; then
  echo "  class renamed: compiled again: the behaviour has changed"
  exit 1
fi
echo "  class renamed: $(tail -1 error)"
grep -q "AttributeError: .*'Point'" error
echo "as described"
