"""The map: every table, grouped. The rules on each record stand where it is defined."""

# ruff: noqa: F401
# Who gets in, and how (tenant database, as all below but the last).
from portico.records.account import PortalAccount, PortalSession, ResetToken, SetupToken

# What happened.
from portico.records.activity import AccessLog, ActivityChain, ActivityName

# Work on many at once.
from portico.records.batch import BatchItem, InvitationBatch

# Who.
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

# Work that is shared, with its files and what is asked for.
from portico.records.file import StoredFile
from portico.records.link import PortalLink
from portico.records.mail import Mail
from portico.records.message import Message
from portico.records.notification import Notification, Reminder
from portico.records.organization import LinkLifetime, Organization

# What is owed, and what came in.
from portico.records.payment import Allocation, Payment
from portico.records.project import (
    Comment,
    Deliverable,
    Milestone,
    Project,
    ProjectShare,
    Task,
    TimeEntry,
)
from portico.records.request import RequestAnswer, RequestItem

# The team.
from portico.records.staff import RecoveryCode, StaffMember, StaffRole, StaffSession, StaffToken

# Control database: which tenants there are.
from portico.records.tenant import Tenant, TenantHost
