"""The hand-out in a real browser: wide and narrow, by keyboard, in the dark, and on paper."""

import pytest

from browser import Watch, chromium, required_browser

WIDTHS = (1440, 1280, 390)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def browser_page():
    with chromium(required_browser(), viewport={"width": 1280, "height": 900}) as page:
        watch = Watch(page)
        yield page, watch
        assert watch.errors == [] and watch.foreign == []


@pytest.fixture
def page(browser_page):
    page = browser_page[0]
    page.set_viewport_size({"width": 1280, "height": 900})
    page.emulate_media(color_scheme="light", media="screen")
    return page


def in_view(page, identifier):
    box = page.locator(f'[id="{identifier}"]').bounding_box()
    return box is not None and -5 <= box["y"] <= page.viewport_size["height"]


CUT = """() => [...document.querySelectorAll('main *')].filter(e => {
    const box = e.getBoundingClientRect(), hides = getComputedStyle(e).overflowX === 'hidden';
    const free = e.closest('.scroll, .picture, pre, .spoken, svg') || box.right < 0;
    const beyond = box.width && box.right > innerWidth + 1 && !free;
    return beyond || (hides && e.scrollWidth > e.clientWidth + 1);
}).map(e => e.outerHTML.slice(0, 80))"""


PICTURES = """async () => {
    const unseen = [];
    for (const image of document.images) {
        image.scrollIntoView();
        while (!image.complete) await new Promise(requestAnimationFrame);
        if (!image.getClientRects().length || !image.naturalWidth)
            unseen.push(image.alt);
    }
    return unseen;
}"""


@pytest.fixture(scope="module")
def tour(browser_page, site):
    """What is seen of every page: by page and width how far it scrolls and what is cut off, by
    page and scheme which texts are faint and the ground, by page the pictures that do not show."""
    page, _ = browser_page
    page.emulate_media(color_scheme="light", media="screen")
    wide, cut, faint, ground, unseen = {}, {}, {}, {}, {}
    for path in sorted(site.glob("*.html")):
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(path.as_uri())
            wide[path.name, width] = page.evaluate("document.documentElement.scrollWidth")
            cut[path.name, width] = page.evaluate(CUT)
            if width != 1280:
                continue
            unseen[path.name] = page.evaluate(PICTURES)
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                faint[path.name, scheme] = page.evaluate(CONTRAST)
                ground[path.name, scheme] = page.evaluate(
                    "getComputedStyle(document.body).backgroundColor")
            page.emulate_media(color_scheme="light")
    assert unseen
    return wide, cut, faint, ground, unseen


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways_and_nothing_is_cut_off(tour, width):
    wide, cut, *_ = tour
    for name, its_width in wide:
        if its_width == width:
            assert wide[name, width] <= width, name
            assert cut[name, width] == [], name


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (1280, 800), (390, 844)])
def test_the_answer_stands_on_the_first_screen(page, site, width, height):
    page.set_viewport_size({"width": width, "height": height})
    page.goto((site / "index.html").as_uri())
    tiles = page.locator(".tile").all()
    assert len(tiles) == 3
    for tile in tiles:
        box = tile.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] + box["height"] <= height, tile.inner_text()
    if width > 400:
        chart = page.locator(".chart img").bounding_box()
        assert chart["y"] + chart["height"] <= height


def test_on_a_telephone_rows_are_cards_and_figures_fit(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / "figures.html").as_uri())
    for picture in page.locator(".picture").all():
        picture.scroll_into_view_if_needed()
        box = picture.locator("img").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
    assert page.locator("#fm_pain_forest img").evaluate("e => e.currentSrc").endswith("_phone.svg")
    with page.expect_navigation():
        page.locator("#gap_map .picture a").click()
    assert page.url.endswith("figures/gap_map.png")
    with_table = next(path for path in sorted(site.glob("0*.html"))
                      if '<table class="labelled"' in path.read_text(encoding="utf-8"))
    page.goto(with_table.as_uri())
    cell = page.locator(".labelled td:visible").first
    label = cell.get_attribute("data-label")
    shown = cell.evaluate("e => getComputedStyle(e, '::before').content")
    assert label and cell.evaluate("e => getComputedStyle(e).display") == "block"
    assert "data-label" in shown or label in shown


def test_the_menu_opens_on_a_telephone_and_stays_in_view(page, site):
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto((site / "06_evidence_gaps.html").as_uri())
    page.evaluate("scrollTo(0, 3000)")
    button = page.get_by_role("button", name="Menu")
    assert 0 <= button.bounding_box()["y"] < 60
    first = page.locator("nav a").first
    assert not first.is_visible()
    button.click()
    assert first.is_visible() and button.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert not first.is_visible()
    button.click()
    first.click()
    assert page.url.endswith("/index.html")


def test_tabs_show_the_answer_for_one_audience_at_a_time(page, site):
    page.goto((site / "index.html").as_uri())
    tabs = page.get_by_role("tab")
    names = tabs.all_inner_texts()
    assert len(names) > 1
    for number in range(len(names)):
        tabs.nth(number).click()
        shown = [panel.is_visible() for panel in page.locator("[role=tabpanel]").all()]
        assert shown == [place == number for place in range(len(names))]
    page.keyboard.press("ArrowRight")
    assert tabs.first.get_attribute("aria-selected") == "true"
    page.emulate_media(media="print")
    assert all(panel.is_visible() for panel in page.locator("[role=tabpanel]").all())


def test_a_question_on_the_front_page_finds_cards(page, site):
    page.goto((site / "index.html").as_uri())
    page.locator("#ask").fill("CROHN’S endoscopic")
    page.keyboard.press("Enter")
    page.wait_for_url("**/find.html?q=*")
    cards = page.locator(".card:visible")
    assert 0 < cards.count() < 20
    assert all("endoscopic" in text.lower() for text in cards.all_inner_texts())
    page.locator("#q").fill("")
    everything = page.locator(".card").count()
    assert page.locator("#count").inner_text() == f"{everything} of {everything} cards"
    page.locator("#kind").select_option("claim")
    claims = cards.count()
    assert 0 < claims < everything
    page.locator("#kind").select_option("study")
    page.locator("#controlled").check()
    placebo = cards.count()
    page.locator("#group").select_option(index=1)
    assert 0 < cards.count() < placebo < everything


def test_whole_questions_are_understood(page, site):
    page.goto((site / "find.html").as_uri())
    cards, near = page.locator(".card:visible"), page.locator("#near")
    for question, first in {
        "What about Crohn's disease, placebo-controlled?": "It is uncertain whether LDN changes",
        "crohns": "88 % against 40 %", "risk of bias": "Risk of bias", "does it help pain?": "Pain",
        "side effects": "side effect", "RODRIGUEZ freire": "Rodríguez-Freire",
    }.items():
        page.locator("#q").fill(question)
        assert first in cards.first.inner_text(), question
        assert not near.is_visible()


def test_nothing_found_says_what_is_near(page, site):
    page.goto((site / "find.html").as_uri())
    cards, near = page.locator(".card:visible"), page.locator("#near")
    page.locator("#q").fill("fibromialgia")
    assert cards.count() == 0
    near.get_by_role("button", name="fibromyalgia", exact=True).click()
    assert page.locator("#q").input_value() == "fibromyalgia" and cards.count() > 0
    page.locator("#q").fill("crohn")
    page.locator("#group").select_option(label=page.locator("#group option").nth(1).inner_text())
    assert cards.count() == 0
    near.get_by_role("button", name="Show them").click()
    assert cards.count() > 0
    page.locator("#q").fill("xyzzy")
    near.get_by_role("button").first.click()
    assert cards.count() > 0 and page.locator("#group").input_value()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["index", "01_cited_studies"])
def test_a_citation_leads_to_its_reference_and_back(page, site, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto((site / f"{name}.html").as_uri())
    citation = page.locator('main a[href^="#ref-"]:visible').first
    here = citation.get_attribute("id")
    key = citation.get_attribute("href").removeprefix("#ref-")
    citation.click()
    assert page.url.endswith(f"#ref-{key}") and in_view(page, f"ref-{key}")
    page.locator(f'[id="ref-{key}"] a[href="#{here}"]').click()
    assert page.url.endswith(f"#{here}") and in_view(page, here)


def test_pages_lead_to_each_other_and_say_where_one_is(page, site):
    page.goto((site / "index.html").as_uri())
    links = page.locator("nav a")
    names = links.all_inner_texts()
    assert len(names) == len(list(site.glob("*.html")))
    for name in names:
        page.locator("nav a", has_text=name).first.click()
        assert page.locator("nav a[aria-current=page]").inner_text() == name
        assert page.locator("h1").count() == 1


def test_the_code_button_works_with_the_keyboard(page, site):
    page.goto((site / "01_cited_studies.html").as_uri())
    code = page.locator(".code").first
    assert not code.is_visible()
    button = page.get_by_role("button", name="Show the code")
    button.focus()
    page.keyboard.press("Enter")
    assert code.is_visible()
    assert page.get_by_role("button", name="Hide the code").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Space")
    assert not code.is_visible()


def test_the_first_tab_skips_to_the_content_and_focus_is_seen(page, site):
    page.goto((site / "01_cited_studies.html").as_uri())
    page.keyboard.press("Tab")
    focused = page.evaluate("""() => {
        const e = document.activeElement, style = getComputedStyle(e);
        return [e.textContent, e.getBoundingClientRect().left, style.outlineStyle];
    }""")
    assert focused[0] == "Skip to the content" and focused[1] >= 0 and focused[2] != "none"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"


CONTRAST = """() => {
    const light = c => {
        const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
            .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const under = e => {
        for (; e; e = e.parentElement) {
            const colour = getComputedStyle(e).backgroundColor;
            if (!/, 0\\)$/.test(colour)) return colour;
        }
        return 'rgb(255, 255, 255)';
    };
    const low = [];
    for (const e of document.querySelectorAll('p, a, li, td, th, caption, h1, h2, h3, button')) {
        const [a, b] = [light(getComputedStyle(e).color), light(under(e))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) low.push(e.outerHTML.slice(0, 80));
    }
    return low;
}"""


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_is_readable_by_day_and_in_the_dark(tour, scheme):
    _, _, faint, ground, _ = tour
    assert {name: texts for (name, its), texts in faint.items() if its == scheme and texts} == {}
    seen = {colour for (_, its), colour in ground.items() if its == scheme}
    assert len(seen) == 1 and (seen == {"rgb(255, 255, 255)"}) == (scheme == "light")


def test_on_paper_there_are_no_controls_and_no_code(page, site):
    page.goto((site / "01_cited_studies.html").as_uri())
    page.emulate_media(media="print")
    for what in ("nav", "button", ".code", ".back", ".skip"):
        assert not page.locator(what).first.is_visible(), what
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_each_picture_is_shown(tour):
    *_, unseen = tour
    assert {name: pictures for name, pictures in unseen.items() if pictures} == {}
