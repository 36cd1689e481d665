"""UBL 2.0 to 2.4: invoices, credit notes, orders and quotations, as Peppol and others write them.

``source`` makes a tree of the bytes, ``element`` reads values and notes faults, the modules
named for parts of a document read those, ``document`` puts them together.
"""

from portico.services.imports.ubl.document import read

__all__ = ["read"]
