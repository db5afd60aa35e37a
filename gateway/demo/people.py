"""Who takes part: two companies, three people. Two of them are `sam`, and are strangers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Company:
    """A company with a shop, an app its customers sign in to, and an account at the chat vendor."""

    key: str  # of the org in the gateway's configuration, and its path there
    name: str
    trade: str
    issuer: str

    @property
    def agent(self) -> str:
        """Its agent at the vendor."""
        return f"agent_{self.key}"


@dataclass(frozen=True, slots=True)
class Customer:
    """Someone who can sign in. The subject is unique within the company only."""

    company: Company
    subject: str
    name: str

    @property
    def handle(self) -> str:
        """One name across companies."""
        return f"{self.company.key}.{self.subject}"

    @property
    def first_name(self) -> str:
        return self.name.partition(" ")[0]


NORTH = Company("north", "Northwick Kettles", "Kettles and tea", "https://northwick.example/")
SOUTH = Company("south", "Southbank Cycles", "Bicycles and repairs", "https://southbank.example/")
COMPANIES = (NORTH, SOUTH)

ALICE = Customer(NORTH, "alice", "Alice Moreau")
NORTHERN_SAM = Customer(NORTH, "sam", "Sam Okafor")
SOUTHERN_SAM = Customer(SOUTH, "sam", "Sam Lindqvist")
CUSTOMERS = (ALICE, NORTHERN_SAM, SOUTHERN_SAM)


def customer_at(company: Company, subject: str) -> Customer | None:
    for customer in CUSTOMERS:
        if (customer.company, customer.subject) == (company, subject):
            return customer
    return None


def victim_of(customer: Customer) -> Customer:
    """Whom a cheat would like to be: a colleague, else somebody at the other company."""
    others = [other for other in CUSTOMERS if other != customer]
    return min(others, key=lambda other: other.company != customer.company)
