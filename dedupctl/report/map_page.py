"""The map on the page, drawn by Bokeh, whose script comes from the installed package.

The data contains no code: Bokeh's own callbacks would need `eval`, so `map.js` listens to its models instead, and the
page's Content-Security-Policy can name every script by its digest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
from bokeh.core.types import ID
from bokeh.embed import json_item
from bokeh.models import ColumnDataSource, HoverTool, PanTool, Range1d, TapTool, WheelZoomTool
from bokeh.plotting import figure
from bokeh.resources import Resources

from dedupctl.catalog.thumbs import Thumbs
from dedupctl.domain import PairKind
from dedupctl.report.atlas import Atlas, build_atlas
from dedupctl.report.page import MapPart
from dedupctl.report.picture_map import PictureMap, curve_order
from dedupctl.report.templating import source_of
from dedupctl.report.wording import folder_and_name

PLOT = "map-plot"
_KINDS: tuple[PairKind | None, ...] = (None, PairKind.SIMILAR, PairKind.NEAR, PairKind.PIXEL, PairKind.EXACT)
"""In drawing order: what matters more is drawn on top."""


def map_part(
    drawn: PictureMap, thumbs: Thumbs, budget: int, progress: Callable[[int], None] = lambda _done: None
) -> MapPart:
    """What the page needs to draw the map; its thumbnails take at most `budget` bytes."""
    order = sorted(curve_order(drawn.places), key=lambda place: _KINDS.index(drawn.points[place].kind))
    rank = {place: position for position, place in enumerate(order)}
    points = [drawn.points[place] for place in order]
    along_curve = [rank[place] for place in curve_order(drawn.places)]
    atlas = build_atlas(thumbs, [points[place].digest for place in along_curve], budget, progress)
    data = {
        "plot": _plot_item(drawn, order, rank),
        "points": {
            "kind": [_KINDS.index(point.kind) for point in points],
            "cluster": [point.cluster or 0 for point in points],
            "name": [folder_and_name(point.path)[1] for point in points],
            "cell": _inverse(along_curve),
        },
        "kinds": ["single" if kind is None else kind.value for kind in _KINDS],
        "edges": [_KINDS.index(kind) for _, _, kind in drawn.edges],
        "atlas": _atlas_as_json(atlas),
    }
    return MapPart((_bokeh_script(), source_of("map.js")), harmless_json(data), drawn.note)


def harmless_json(data: object) -> str:
    """JSON that is safe inside a script element: no name in it can end the element or begin a comment."""
    text = json.dumps(data, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _bokeh_script() -> str:
    # The pieces after the first only set a log level and print it on the console.
    return str(Resources(mode="inline", components=["bokeh"]).js_raw[0])


def _plot_item(drawn: PictureMap, order: list[int], rank: dict[int, int]) -> Any:
    """The figure as Bokeh's JSON: points, the lines of the clusters, and a place for thumbnails."""
    places = drawn.places[order]
    x, y = places[:, 0].astype(np.float32), places[:, 1].astype(np.float32)
    ends = [(rank[keeper], rank[member]) for keeper, member, _ in drawn.edges]
    no_color = ["#888888"]
    plot = figure(
        name="map",
        sizing_mode="stretch_both",
        match_aspect=True,
        x_axis_type=None,
        y_axis_type=None,
        toolbar_location=None,
        tools=[PanTool(), WheelZoomTool(name="wheel")],
        active_scroll=None,
        output_backend="canvas",
        x_range=_range(x),
        y_range=_range(y),
        lod_threshold=None,
        background_fill_alpha=0,
        border_fill_alpha=0,
        outline_line_color=None,
        min_border=0,
    )
    plot.grid.visible = False
    lines = ColumnDataSource(
        {
            "x0": [x[one] for one, _ in ends],
            "y0": [y[one] for one, _ in ends],
            "x1": [x[other] for _, other in ends],
            "y1": [y[other] for _, other in ends],
            "color": no_color * len(ends),
        },
        name="lines",
    )
    plot.segment("x0", "y0", "x1", "y1", source=lines, line_color="color", line_width=1.5, line_alpha=0.8)
    # map.js does the rest: it enlarges the dot under a shown picture to the picture's size, so that both react.
    dots = ColumnDataSource(
        {"x": x, "y": y, "color": no_color * len(x), "size": [5] * len(x), "alpha": [1] * len(x)}, name="points"
    )
    glyphs = plot.scatter("x", "y", source=dots, fill_color="color", line_color=None, size="size", fill_alpha="alpha")
    # A chosen picture is opened, not marked; without this Bokeh would fade all others.
    glyphs.nonselection_glyph = None
    glyphs.selection_glyph = None
    pictures = ColumnDataSource({"url": [], "x": [], "y": [], "w": [], "h": []}, name="pictures")
    plot.image_url(
        "url",
        "x",
        "y",
        {"field": "w", "units": "screen"},
        {"field": "h", "units": "screen"},
        source=pictures,
        anchor="center",
    )
    plot.add_tools(HoverTool(renderers=[glyphs], tooltips=None), TapTool(renderers=[glyphs]))
    return json_item(plot, ID(PLOT))


def _range(values: Any) -> Range1d:
    """A range that contains all points with a margin; a single point gets room around it."""
    if not len(values):
        return Range1d(start=-1.0, end=1.0)
    low, high = float(values.min()), float(values.max())
    # Half the size at which a map of few pictures shows them, so that none is cut off at the edge.
    margin = max(0.14 * (high - low), 0.5)
    return Range1d(start=low - margin, end=high + margin)


def _atlas_as_json(atlas: Atlas) -> dict[str, Any]:
    return {
        "cell": atlas.cell,
        "columns": atlas.columns,
        "sheets": list(atlas.sheets),
        "width": [width for width, _ in atlas.shapes],
        "height": [height for _, height in atlas.shapes],
    }


def _inverse(order: list[int]) -> list[int]:
    """The cell of each point's thumbnail in the atlas."""
    places = [0] * len(order)
    for cell, point in enumerate(order):
        places[point] = cell
    return places
