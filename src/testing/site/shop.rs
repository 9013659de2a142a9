//! A bookshop to scrape: thousands of pages that link to each other, the same at every start.
//!
//! The front page is node 0 and book `i` is node `i + 1` of a tree in which node `k` has the children
//! `8k + 1 ..= 8k + 8`. Every page links to its children, so a walk over the links from the front page
//! reaches all of them; a few more links, back and across, are there to be recognised as seen already.

use std::fmt::Write;
use std::iter;

use serde_json::json;

use super::dice::Dice;
use super::reply::{Refusal, Reply, html, json};

/// How many children a page links to.
const BRANCHES: u32 = 8;

/// How many pages elsewhere in the shop a page recommends.
const RECOMMENDED: usize = 3;

const ADJECTIVES: [&str; 16] = [
    "Quiet",
    "Rusty",
    "Crimson",
    "Borrowed",
    "Last",
    "Invisible",
    "Patient",
    "Northern",
    "Hollow",
    "Golden",
    "Unwritten",
    "Second",
    "Salted",
    "Wandering",
    "Brittle",
    "Bright",
];
const NOUNS: [&str; 16] = [
    "Lighthouse",
    "Harbour",
    "Orchard",
    "Compass",
    "Library",
    "River",
    "Clockmaker",
    "Garden",
    "Winter",
    "Telescope",
    "Island",
    "Letter",
    "Bridge",
    "Engine",
    "Cartographer",
    "Violin",
];
const PLACES: [&str; 16] = [
    "Tromsø",
    "Valparaíso",
    "Kraków",
    "Aveiro",
    "Kyoto",
    "Galway",
    "Ghent",
    "Tbilisi",
    "Oaxaca",
    "Lviv",
    "Reykjavík",
    "Zanzibar",
    "Trieste",
    "Hội An",
    "Split",
    "Bergen",
];
const FIRST_NAMES: [&str; 12] = [
    "Ada", "Bjørn", "Chiara", "Dmitri", "Elif", "Farid", "Grete", "Haruki", "Inés", "João", "Keiko", "Luca",
];
const LAST_NAMES: [&str; 12] = [
    "Almeida",
    "Brandt",
    "Castellanos",
    "Dvořák",
    "Eriksen",
    "Fontaine",
    "Gruber",
    "Hayashi",
    "Ivanova",
    "Jansen",
    "Kowalski",
    "Lindqvist",
];
const GENRES: [&str; 8] = [
    "mystery", "travel", "history", "poetry", "science", "romance", "cooking", "fantasy",
];
const SENTENCES: [&str; 12] = [
    "It begins with a letter that was posted forty years too late.",
    "Nobody in the town remembers who wound the clock, and yet it has never stopped.",
    "The author spent two winters in the archives and one summer on the boats.",
    "Each chapter is named after a tool that is no longer made.",
    "What looks like a quarrel over a boundary stone turns out to be about much more.",
    "Readers who like maps will find seven of them, one of which is wrong on purpose.",
    "The second half slows down, and is the better for it.",
    "There is a recipe on page ninety that alone is worth the price.",
    "A dog called Ferris appears in every story and does very little in any of them.",
    "The translation keeps the rhythm of the original and most of its jokes.",
    "One closes it with the feeling of having been let in on a secret.",
    "It ends where it began, on a pier, in the rain, with everything changed.",
];

#[derive(Debug)]
pub(super) struct Shop {
    /// How many books it has.
    books: u32,
}

/// What is known of one book.
struct Book {
    id: u32,
    title: String,
    author: String,
    genre: &'static str,
    place: &'static str,
    cents: u64,
    year: u64,
    stock: u64,
    /// Draws what the page has to say.
    dice: Dice,
}

impl Shop {
    pub(super) fn new(books: u32) -> Self {
        Self { books }
    }

    /// The answer to a path below `/site/`.
    pub(super) fn answer(&self, path: &[&str]) -> Result<Reply, Refusal> {
        match path {
            [] | [""] => Ok(html(self.front())),
            ["page", id] => Ok(html(self.page(self.book(id)?))),
            ["api", "item", id] => Ok(self.item(self.book(id)?)),
            _ => Err(Refusal::NotFound(
                "the shop has /site/, /site/page/{i} and /site/api/item/{i}".to_owned(),
            )),
        }
    }

    fn book(&self, id: &str) -> Result<Book, Refusal> {
        match id.parse() {
            Ok(id) if id < self.books => Ok(Book::number(id)),
            _ => Err(Refusal::NotFound(format!("book {id} of {}", self.books))),
        }
    }

    /// The books that the page of this node leads on to.
    fn children(&self, node: u32) -> impl Iterator<Item = u32> {
        let first = node.saturating_mul(BRANCHES);
        (first..first.saturating_add(BRANCHES)).take_while(|&id| id < self.books)
    }

    fn recommended(&self, dice: &mut Dice) -> Vec<u32> {
        iter::repeat_with(|| dice.below(self.books.into()) as u32)
            .take(RECOMMENDED)
            .collect()
    }

    fn front(&self) -> String {
        let mut page = String::with_capacity(2048);
        page.push_str(HEAD);
        page.push_str("<title>The Oxide Bookshop</title></head><body>\n<h1>The Oxide Bookshop</h1>\n");
        push(
            &mut page,
            format_args!("<p>{} books, all of them made up.</p>\n", self.books),
        );
        links(&mut page, "shelves", "Begin here", self.children(0));
        page.push_str("</body></html>\n");
        page
    }

    fn page(&self, mut book: Book) -> String {
        let Book {
            id,
            title,
            author,
            genre,
            place,
            ..
        } = &book;
        let mut page = String::with_capacity(16 * 1024);
        page.push_str(HEAD);
        push(
            &mut page,
            format_args!("<title>{title} – The Oxide Bookshop</title></head><body>\n"),
        );
        page.push_str("<nav><a href=\"/site/\">The Oxide Bookshop</a>");
        // A node's parent is node (k - 1) / 8; node 0 is the front page, which has been linked.
        if let Some(parent) = (id / BRANCHES).checked_sub(1) {
            push(
                &mut page,
                format_args!(
                    " › <a href=\"/site/page/{parent}\">{}</a>",
                    Book::number(parent).title
                ),
            );
        }
        push(
            &mut page,
            format_args!("</nav>\n<h1>{title}</h1>\n<p class=\"author\">{author}</p>\n"),
        );
        push(
            &mut page,
            format_args!(
                "<dl><dt>Genre</dt><dd class=\"genre\">{genre}</dd><dt>Set in</dt><dd>{place}</dd>\
                 <dt>Year</dt><dd>{}</dd><dt>Price</dt><dd class=\"price\">€{}.{:02}</dd>\
                 <dt>In stock</dt><dd>{}</dd></dl>\n<p><a rel=\"alternate\" type=\"application/json\" \
                 href=\"/site/api/item/{id}\">as data</a></p>\n",
                book.year,
                book.cents / 100,
                book.cents % 100,
                book.stock
            ),
        );
        for _ in 0..8 + book.dice.below(8) {
            page.push_str("<p>");
            for _ in 0..4 + book.dice.below(5) {
                page.push_str(book.dice.pick(&SENTENCES));
                page.push(' ');
            }
            page.push_str("</p>\n");
        }
        links(&mut page, "next", "On the same shelf", self.children(book.id + 1));
        links(
            &mut page,
            "also",
            "Readers also liked",
            self.recommended(&mut book.dice).into_iter(),
        );
        page.push_str("</body></html>\n");
        page
    }

    fn item(&self, mut book: Book) -> Reply {
        let related = self.recommended(&mut book.dice);
        json(&json!({
            "id": book.id,
            "title": book.title,
            "author": book.author,
            "price": book.cents as f64 / 100.0,
            "currency": "EUR",
            "year": book.year,
            "stock": book.stock,
            "tags": [book.genre, book.place],
            "related": related,
            "page": format!("/site/page/{}", book.id),
        }))
    }
}

impl Book {
    fn number(id: u32) -> Self {
        let mut dice = Dice(id.into());
        let place = dice.pick(&PLACES);
        Self {
            id,
            title: format!("The {} {} of {place}", dice.pick(&ADJECTIVES), dice.pick(&NOUNS)),
            author: format!("{} {}", dice.pick(&FIRST_NAMES), dice.pick(&LAST_NAMES)),
            genre: dice.pick(&GENRES),
            place,
            cents: 499 + dice.below(4000),
            year: 1890 + dice.below(135),
            stock: dice.below(40),
            dice,
        }
    }
}

const HEAD: &str = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n";

fn links(page: &mut String, class: &str, heading: &str, books: impl Iterator<Item = u32>) {
    push(page, format_args!("<h2>{heading}</h2>\n<ul class=\"{class}\">\n"));
    for id in books {
        let title = Book::number(id).title;
        push(
            page,
            format_args!("<li><a href=\"/site/page/{id}\">{title}</a></li>\n"),
        );
    }
    page.push_str("</ul>\n");
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = page.write_fmt(text);
}
