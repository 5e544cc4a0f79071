import django.db.models.deletion
import dsar.deadlines.vocabulary
import dsar.lifecycle
import governance.fields
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('governance', '0001_schema'),
    ]

    operations = [
        migrations.CreateModel(
            name='SubjectRequest',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('reference', models.CharField(max_length=16, unique=True)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.controller')),
                ('brand', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.brand')),
                ('subject', models.ForeignKey(help_text='Set once the address is proven.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.datasubject')),
                ('status', models.CharField(choices=[('received', 'received'), ('verifying', 'verifying'), ('planning', 'planning'), ('awaiting_approval', 'awaiting approval'), ('executing', 'executing'), ('reviewing', 'reviewing'), ('responded', 'responded'), ('closed', 'closed'), ('refused', 'refused'), ('withdrawn', 'withdrawn'), ('lapsed', 'lapsed'), ('duplicate', 'duplicate')], default=dsar.lifecycle.Status['RECEIVED'], max_length=24)),
                ('regime', models.CharField(choices=[('GDPR', 'GDPR'), ('UK_GDPR', 'UK GDPR'), ('CCPA', 'CCPA'), ('VOLUNTARY', 'VOLUNTARY')], default=dsar.deadlines.vocabulary.Regime['GDPR'], max_length=16)),
                ('manner', models.CharField(choices=[('portal', 'Portal'), ('api', 'Api'), ('officer', 'Officer')], max_length=16)),
                ('language', models.CharField(default='en', max_length=16)),
                ('contact', governance.fields.SealedField(kind='json', label='request.contact', null=True, scope_field='id', scope_kind='request')),
                ('contact_digest', models.BinaryField(help_text='Keyed digest of the address, to compare it without opening it.', max_length=32, null=True)),
                ('proof_id', models.UUIDField(help_text='The latest proof of the address, for the code.', null=True)),
                ('received_at', models.DateTimeField()),
                ('verified_at', models.DateTimeField(null=True)),
                ('responded_at', models.DateTimeField(null=True)),
                ('closed_at', models.DateTimeField(null=True)),
                ('due_at', models.DateTimeField(help_text='The earliest clock of its rights; the queue is sorted by it.')),
                ('erased_at', models.DateTimeField(help_text="When the person's key was destroyed for this request.", null=True)),
                ('refusal_reason', models.CharField(blank=True, choices=[('suspected_fraud', 'Suspected Fraud'), ('insufficient_verification', 'Insufficient Verification'), ('no_match', 'No Match'), ('claim_not_covered', 'Claim Not Covered'), ('outside_jurisdiction', 'Outside Jurisdiction'), ('too_many_requests', 'Too Many Requests'), ('other', 'Other')], max_length=32)),
                ('duplicate_of', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='dsar.subjectrequest')),
                ('paused_at', models.DateTimeField(help_text='Since when the clock stands still; empty while it runs.', null=True)),
                ('pause_reason', models.CharField(blank=True, choices=[('identity', 'identity'), ('clarification', 'clarification'), ('fee', 'fee')], max_length=16)),
                ('pauses', models.JSONField(default=list, help_text='Pauses that ended: reason, first day and day of the answer.')),
                ('held_until', models.DateField(help_text='Nothing is erased up to this day, whatever is approved.', null=True)),
                ('hold_reason', models.CharField(blank=True, choices=[('legal_claim', 'Legal Claim'), ('legal_duty', 'Legal Duty'), ('investigation', 'Investigation')], max_length=16)),
                ('left_out', models.JSONField(default=list, help_text='Keys of the systems that the coming answer goes without.')),
                ('what_follows', models.CharField(blank=True, choices=[('supplement', 'Supplement'), ('refusal', 'Refusal')], max_length=16)),
                ('part_answered_at', models.DateTimeField(help_text='When the part that could be reached was answered.', null=True)),
                ('part_told', models.JSONField(default=dict, help_text='What that part said was deleted and kept, in words; no values.')),
                ('acknowledge_by', models.DateTimeField(help_text='Where the law has a date for confirming receipt.', null=True)),
                ('acknowledgement', models.JSONField(default=dict, help_text='How that date was derived.')),
                ('acknowledged_at', models.DateTimeField(null=True)),
                ('stuck_code', models.CharField(blank=True, help_text='The error that keeps the work from going on.', max_length=64)),
                ('stuck_at', models.DateTimeField(null=True)),
                ('purge_after', models.DateTimeField(help_text="When the request's own key is destroyed.", null=True)),
                ('purged_at', models.DateTimeField(null=True)),
                ('kept_job', models.UUIDField(help_text='The job that erases what a law keeps, when its time is over.', null=True)),
                ('owner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.CharField(help_text='Opaque reference of the principal that recorded it.', max_length=80)),
            ],
            options={
                'indexes': [models.Index(fields=['controller', 'status', 'due_at', 'received_at', 'id'], name='subjectrequest_lines'), models.Index(fields=['status', 'due_at'], name='subjectrequest_work'), models.Index(fields=['controller', 'received_at'], name='subjectrequest_received'), models.Index(fields=['subject', 'received_at'], name='subjectrequest_person'), models.Index(fields=['contact_digest'], name='subjectrequest_contact'), models.Index(condition=models.Q(('acknowledge_by__isnull', False), ('acknowledged_at__isnull', True)), fields=['acknowledge_by'], name='subjectrequest_acknowledge'), models.Index(condition=models.Q(('kept_job__isnull', False)), fields=['kept_job'], name='subjectrequest_kept'), models.Index(condition=models.Q(('purged_at__isnull', True)), fields=['purge_after'], name='subjectrequest_purge')],
                'constraints': [models.CheckConstraint(condition=models.Q(('status__in', ['received', 'verifying', 'planning', 'awaiting_approval', 'executing', 'reviewing', 'responded', 'closed', 'refused', 'withdrawn', 'lapsed', 'duplicate'])), name='subjectrequest_status_known'), models.CheckConstraint(condition=models.Q(('regime__in', ['GDPR', 'UK_GDPR', 'CCPA', 'VOLUNTARY'])), name='subjectrequest_regime_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'duplicate'), _negated=True), ('duplicate_of__isnull', False), _connector='OR'), name='subjectrequest_duplicate_of_one'), models.CheckConstraint(condition=models.Q(models.Q(('pause_reason', ''), ('paused_at__isnull', True)), models.Q(('paused_at__isnull', False), models.Q(('pause_reason', ''), _negated=True)), _connector='OR'), name='subjectrequest_pause_has_reason'), models.CheckConstraint(condition=models.Q(models.Q(('held_until__isnull', True), ('hold_reason', '')), models.Q(('held_until__isnull', False), models.Q(('hold_reason', ''), _negated=True)), _connector='OR'), name='subjectrequest_hold_has_reason'), models.CheckConstraint(condition=models.Q(('what_follows__in', ['', 'supplement', 'refusal'])), name='subjectrequest_follows_known'), models.CheckConstraint(condition=models.Q(models.Q(('status', 'refused'), _negated=True), models.Q(('refusal_reason', ''), _negated=True), _connector='OR'), name='subjectrequest_refusal_has_reason'), models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['planning', 'awaiting_approval', 'executing', 'reviewing', 'responded']), _negated=True), ('verified_at__isnull', False), _connector='OR'), name='subjectrequest_worked_is_verified')],
            },
        ),
        migrations.CreateModel(
            name='RequestRight',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='rights', to='dsar.subjectrequest')),
                ('right', models.CharField(choices=[('access', 'access'), ('rectification', 'rectification'), ('erasure', 'erasure'), ('restriction', 'restriction'), ('portability', 'portability'), ('objection', 'objection'), ('opt_out_of_sale', 'opt out of sale'), ('limit_sensitive_use', 'limit sensitive use')], max_length=24)),
                ('rule_id', models.CharField(max_length=64)),
                ('rule_version', models.PositiveIntegerField()),
                ('due_on', models.DateField()),
                ('due_at', models.DateTimeField()),
                ('derivation', models.JSONField(default=dict, help_text='Every step of the computation, with its citation.')),
                ('extended_until', models.DateField(null=True)),
                ('extension_reason', models.CharField(blank=True, choices=[('complexity', 'complexity'), ('number_of_requests', 'number of requests')], max_length=32)),
                ('outcome', models.CharField(blank=True, choices=[('granted', 'Granted'), ('partly_granted', 'Partly'), ('not_found', 'Not Found'), ('refused', 'Refused')], max_length=16)),
            ],
            options={
                'ordering': ('id',),
                'constraints': [models.UniqueConstraint(fields=('request', 'right'), name='requestright_once'), models.CheckConstraint(condition=models.Q(('right__in', ['access', 'rectification', 'erasure', 'restriction', 'portability', 'objection', 'opt_out_of_sale', 'limit_sensitive_use'])), name='requestright_right_known'), models.CheckConstraint(condition=models.Q(('extended_until__isnull', True), models.Q(('extension_reason', ''), _negated=True), _connector='OR'), name='requestright_extension_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='FieldOutcome',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='outcomes', to='dsar.subjectrequest')),
                ('system', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.system')),
                ('dataset', models.CharField(max_length=128)),
                ('collection', models.CharField(max_length=200)),
                ('field', models.CharField(max_length=200)),
                ('category', models.CharField(blank=True, help_text='Data category, by which people are told.', max_length=200)),
                ('outcome', models.CharField(choices=[('erased', 'Erased'), ('retained', 'Retained'), ('not_found', 'Not Found'), ('failed', 'Failed')], max_length=16)),
                ('reason', models.CharField(blank=True, help_text='Why it is kept, or an error code.', max_length=200)),
                ('citation', models.CharField(blank=True, max_length=200)),
                ('until', models.DateField(null=True)),
                ('rows', models.PositiveIntegerField(default=0)),
            ],
            options={
                'ordering': ('dataset', 'collection', 'field', 'outcome', 'id'),
                'constraints': [models.UniqueConstraint(fields=('request', 'dataset', 'collection', 'field', 'outcome', 'reason'), name='fieldoutcome_once'), models.CheckConstraint(condition=models.Q(('outcome__in', ['erased', 'retained', 'not_found', 'failed'])), name='fieldoutcome_known'), models.CheckConstraint(condition=models.Q(models.Q(('outcome__in', ['retained', 'failed']), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='fieldoutcome_has_reason')],
            },
        ),
        migrations.CreateModel(
            name='RequestPackage',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.controller')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='packages', to='dsar.subjectrequest')),
                ('key_id', models.CharField(default='', help_text='Of the data key that its stream is sealed under.', max_length=16)),
                ('digest', models.CharField(help_text='SHA-256 of the file the person receives.', max_length=64)),
                ('size', models.PositiveBigIntegerField()),
                ('summary', models.JSONField(default=dict, help_text='Rows per collection and what is withheld: names, counts, codes.')),
                ('created_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(help_text='Counted from the answer.', null=True)),
                ('attempts_left', models.PositiveSmallIntegerField(default=5)),
                ('open_until', models.DateTimeField(help_text="A fresh code opens the API's download until then.", null=True)),
                ('downloaded_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ('-created_at',),
                'constraints': [models.UniqueConstraint(condition=models.Q(('expires_at__isnull', True)), fields=('request',), name='requestpackage_one_prepared'), models.UniqueConstraint(condition=models.Q(('expires_at__isnull', False)), fields=('request',), name='requestpackage_one_sent')],
            },
        ),
        migrations.CreateModel(
            name='PackagePart',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('package', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='dsar.requestpackage')),
                ('position', models.PositiveIntegerField()),
                ('sealed', models.BinaryField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('package', 'position'), name='packagepart_position_unique')],
            },
        ),
        migrations.CreateModel(
            name='RequestPlan',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='plans', to='dsar.subjectrequest')),
                ('plan', models.JSONField(help_text='Steps, targets, retained and withheld fields: names only.')),
                ('counts', models.JSONField(default=dict, help_text='Rows found per collection, once every locate step ended.')),
                ('digest', models.CharField(blank=True, help_text='SHA-256 of plan and counts; empty until counted.', max_length=64)),
                ('created_at', models.DateTimeField()),
                ('approved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('approved_at', models.DateTimeField(null=True)),
                ('approved_digest', models.CharField(blank=True, max_length=64)),
            ],
            options={
                'ordering': ('id',),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('approved_at__isnull', True), ('approved_by__isnull', True), ('approved_digest', '')), models.Q(('approved_at__isnull', False), ('approved_by__isnull', False), ('approved_digest', models.F('digest')), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='requestplan_approval_is_whole')],
            },
        ),
    ]
