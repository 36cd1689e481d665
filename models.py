"""The map: every table, grouped. The rules on each record stand where it is defined."""

# ruff: noqa: F401
# Control database: which tenants there are.
# What happened.
from portico.records.activity import AccessLog, ActivityChain

# Tenant database: who.
from portico.records.customer import Contact, Customer

# How it reaches them, and what they answer.
from portico.records.decision import Decision

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
from portico.records.link import PortalLink
from portico.records.mail import Mail
from portico.records.message import Message
from portico.records.organization import LinkLifetime, Organization
from portico.records.tenant import Tenant, TenantHost
