"""What an importer of any noun stands on: the workbook's session, a row that is judged, the base class."""
