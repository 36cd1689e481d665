"""The map: every table, grouped. The rules on each record stand where it is defined."""

# ruff: noqa: F401
# Control database: which tenants there are.
from portico.records.tenant import Tenant, TenantHost

# Tenant database: who.
from portico.records.customer import Contact, Customer
from portico.records.organization import LinkLifetime, Organization

# What is put before a customer.
from portico.records.document import (
    AttachedFile,
    CreditNote,
    Document,
    DocumentRevision,
    Invoice,
    Quote,
    RefundReceipt,
    Rendition,
    SalesOrder,
    SalesReceipt,
    Statement,
)

# How it reaches them, and what they answer.
from portico.records.decision import Decision
from portico.records.link import PortalLink
from portico.records.mail import Mail
from portico.records.message import Message

# What happened.
from portico.records.activity import AccessLog, ActivityChain
