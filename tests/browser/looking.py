"""What is looked for on every page, whatever it shows: WCAG 2.2 AA, room, quiet, nothing injected, focus in sight."""

import json

from tests.browser.chromium import Tab

WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
_BROKEN = """options => axe.run(document, options).then(found => found.violations.map(each =>
  each.id + ': ' + each.help + ' at ' + each.nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' AND ')))"""
#: Elements and attributes that no page of ours has, so that one on a page came from what somebody typed.
_FOREIGN = """() => [...document.querySelectorAll(
  'script:not([src]):not([type="application/json"]),' +
  'iframe, object, embed, base, math, style, svg:not(.chart__bar), audio, video, marquee,' +
  'img:not([src^="data:image/svg+xml;"]),' +
  'form[action*="evil"], link[href*="evil"], a[href^="javascript:" i], a[href*="evil"], [style],' +
  'meta[http-equiv][content*="javascript" i]')
].concat([...document.querySelectorAll('*')].filter(e => [...e.attributes].some(a => a.name.startsWith('on'))))
 .map(e => e.outerHTML.slice(0, 200))"""
_FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const style = getComputedStyle(one), box = one.getBoundingClientRect(), name = one.outerHTML.slice(0, 120);
  const drawn = style.outlineStyle !== 'none' && !/, 0\\)$/.test(style.outlineColor);
  const ring = drawn && parseFloat(style.outlineWidth) >= 2;
  const left = Math.max(0, box.left), right = Math.min(innerWidth, box.right);  // of a tall one, what is in sight
  const top = Math.max(0, box.top), bottom = Math.min(innerHeight, box.bottom);
  const spots = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]].map(([x, y]) => right > left && bottom > top &&
    document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y));
  const seen = spots.some(e => e && (one.contains(e) || e.contains(one) && !e.matches('html, body')));
  return {name, ring: ring || style.boxShadow !== 'none', seen};
}"""


def accessibility(tab: Tab, axe: str) -> list[str]:
    """Answer what breaks WCAG 2.2 A or AA, as far as a machine can tell."""
    if not tab.run("Boolean(window.axe)"):
        tab.run(f"{axe}; true")
    found: list[str] = tab.run(f"({_BROKEN})({json.dumps({'runOnly': WCAG})})")
    return found


def overflow(tab: Tab) -> int:
    """Answer by how many pixels the page is wider than the window."""
    wider: int = tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def foreign(tab: Tab) -> list[str]:
    """Answer elements that only what somebody typed can have put there."""
    found: list[str] = tab.run(f"({_FOREIGN})()")
    return found


def unseen_focus(tab: Tab, most: int = 150) -> tuple[int, list[str]]:
    """Go through the page by the Tab key; answer how many stops there are, and those one cannot see."""
    stops, faults = 0, []
    first = ""
    tab.run("document.activeElement && document.activeElement.blur()")
    for _turn in range(most):
        tab.key("Tab", 9)
        focus = tab.run(f"({_FOCUS})()")
        if focus is None or (stops and focus["name"] == first):
            break
        first = first or focus["name"]
        stops += 1
        if not focus["ring"] or not focus["seen"]:
            faults.append(f"{'no ring' if not focus['ring'] else 'hidden'}: {focus['name']}")
    return stops, faults
