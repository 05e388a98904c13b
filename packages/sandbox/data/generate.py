#!/usr/bin/env python3
"""Make people.tsv and extras.tsv of the sandbox's data set from companies.tsv.

Everything written here is invented: surnames are put together from syllables so that no real
person is meant, phone numbers come from the ranges that regulators keep free for fiction, and the
technologies are what a firm of that industry plausibly runs. The seed is fixed, so that a second
run gives the same bytes; `generate.py --check` fails when the files differ from that.
"""
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
SEED = 20240601

FIRST = """Ada Alina Amara Anders Anouk Arjun Astrid Aylin Beatriz Bram Camille Carlos Chiara Clara Daan
Daniela Diego Elena Elias Emeka Emil Emma Erik Esra Farid Felix Fiona Freya Gabriel Greta Hana Hannah Hugo
Ines Ingrid Isla Ivan Jakub Jana Jasper Jonas Julia Kaito Karim Katrin Keiko Lars Leila Leon Lina Luca Lucia
Magnus Maja Marco Marta Mateo Maya Mei Mila Mina Nadia Nils Nina Nora Oscar Pablo Paula Priya Rafael Ravi
Rosa Ruth Samir Sara Selma Sofia Stefan Tara Theo Tomas Uma Valerie Victor Yara Yusuf Zara Zoe""".split()
HEAD = """Ald Arn Bel Ber Bran Cal Cas Dal Dor Ela Fen Gal Har Hol Ister Jor Kal Kes Lor Mar Mel Nor Ols Pel
Quin Ral Ros Sel Stam Tar Thorn Ul Vel Ves Wil Wyn Yar Zan""".split()
MIDDLE = ["a", "e", "i", "o", "an", "en", "er", "in", "or", "um"]
TAIL = """brask dahl derin dosk fenwyl gard hault kend lander mast mondt quist rell rovic sander stett tavik
thwin vane vesk wick wynde zell zorin""".split()
TITLES = """Chief Executive Officer|Chief Technology Officer|Chief Financial Officer|Chief Marketing Officer
VP of Sales|VP of Engineering|VP of Marketing|VP of Operations|Head of Procurement|Head of Data
Head of Partnerships|Head of Talent|Director of Sales|Director of Product|Director of IT|Director of Security
Product Manager|Engineering Manager|Marketing Manager|Account Executive|Sales Operations Manager
Data Analyst|Software Engineer|HR Business Partner|Procurement Manager|Supply Chain Manager""".replace(
    "\n", "|").split("|")

BASE = ["Cloudflare", "Google Analytics", "Google Tag Manager", "Akamai", "Amazon CloudFront", "Fastly",
        "React", "jQuery", "Next.js", "Vue.js", "nginx", "Adobe Experience Manager", "OneTrust", "Okta",
        "Microsoft 365", "Google Workspace", "Salesforce", "Marketo", "HubSpot", "Workday", "Qualtrics"]
BY_INDUSTRY = {
    "Software": ["Segment", "Intercom", "Datadog", "Kubernetes", "Stripe"],
    "Internet": ["Kubernetes", "GraphQL", "Kafka", "Redis", "Sentry"],
    "E-commerce": ["Shopify Plus", "Klaviyo", "Algolia", "Adyen", "Criteo"],
    "Retail": ["Salesforce Commerce Cloud", "Bazaarvoice", "Adyen", "Algolia", "SAP Commerce"],
    "Apparel": ["Salesforce Commerce Cloud", "Shopify Plus", "Klaviyo", "Yotpo", "Adyen"],
    "Banking": ["Adobe Analytics", "ForgeRock", "Glassbox", "Temenos", "F5 BIG-IP"],
    "Insurance": ["Guidewire", "Adobe Analytics", "Medallia", "Pega", "F5 BIG-IP"],
    "Automotive": ["SAP S/4HANA", "Siemens Teamcenter", "Contentful", "Adobe Analytics", "Azure"],
    "Pharmaceuticals": ["Veeva", "SAP S/4HANA", "Drupal", "Sitecore", "Tableau"],
    "Media": ["Brightcove", "Piano", "Chartbeat", "Braze", "Amplitude"],
    "Travel": ["Optimizely", "Braze", "Amadeus", "Contentful", "Kubernetes"],
}
OTHER = ["SAP S/4HANA", "Sitecore", "Drupal", "Adobe Analytics", "Tableau", "ServiceNow", "Azure"]


def rows(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    keys = lines[0].split("\t")
    return [dict(zip(keys, line.split("\t"))) for line in lines[1:]]


def phone(rng, country):
    """A number that its country's regulator set aside for fiction; elsewhere a North American one."""
    n = rng.randrange
    if country == "GB":
        return rng.choice([f"+44207946{n(1000):04d}", f"+447700900{n(1000):03d}"])
    if country == "DE":
        return f"+49{rng.choice(['3023125', '6990009', '4066969', '8999998'])}{n(1000):03d}"
    if country == "FR":
        return rng.choice([f"+3319900{n(10000):04d}", f"+3363998{n(10000):04d}"])
    if country == "AU":
        return f"+6149157{rng.choice(['0006', '0156', '0157', '0158', '0159', '0110', '0313', '0737'])}"
    area = {"CA": ["416", "604", "514"]}.get(country, ["212", "415", "206", "312", "617", "512"])
    return f"+1{rng.choice(area)}55501{n(100):02d}"


def address(pattern, first, last):
    first, last = first.lower(), last.lower()
    return {"first.last": f"{first}.{last}", "flast": f"{first[0]}{last}",
            "first": first, "first_last": f"{first}_{last}"}[pattern]


def people(companies):
    rng = random.Random(SEED)
    taken, surnames, out = set(), set(), []
    for c in companies:
        pattern = rng.choices(["first.last", "flast", "first_last", "first"], [70, 18, 7, 5])[0]
        domain_kind = rng.choices(["valid", "catch_all"], [82, 18])[0]
        for title in rng.sample(TITLES, 2):
            while True:
                last = rng.choice(HEAD) + rng.choice(MIDDLE) + rng.choice(TAIL)
                first = rng.choice(FIRST)
                mail = f"{address(pattern, first, last)}@{c['domain']}"
                if mail not in taken and last not in surnames:
                    break
            taken.add(mail)
            surnames.add(last)
            status = domain_kind
            if status == "valid":
                status = rng.choices(["valid", "risky", "invalid"], [88, 8, 4])[0]
            handle = f"{first}-{last}-demo".lower()
            out.append([first, last, title, c["domain"], mail, status, phone(rng, c["country"]), handle])
    return "first_name last_name title domain email email_status phone linkedin".split(), out


def extras(companies):
    rng = random.Random(SEED + 1)
    out = []
    for c in companies:
        special = BY_INDUSTRY.get(c["industry"], OTHER)
        found = rng.sample(BASE, rng.randint(3, 6)) + rng.sample(special, rng.randint(2, 4))
        out.append([c["domain"], ",".join(dict.fromkeys(found)), phone(rng, c["country"])])
    return "domain technologies phone".split(), out


def main():
    companies = rows("companies.tsv")
    stale = []
    for name, (head, body) in (("people.tsv", people(companies)), ("extras.tsv", extras(companies))):
        text = "\n".join("\t".join(r) for r in [head, *body]) + "\n"
        path = HERE / name
        if sys.argv[1:] == ["--check"]:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
    if stale:
        sys.exit(f"not what generate.py makes: {', '.join(stale)}")


if __name__ == "__main__":
    main()
