import django.db.models.deletion
import governance.fields
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('governance', '0001_schema'),
    ]

    operations = [
        migrations.CreateModel(
            name='Contact',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.controller')),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.datasubject')),
                ('purpose', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.purpose')),
                ('channel', models.CharField(max_length=32)),
                ('message_class', models.CharField(choices=[('marketing', 'marketing'), ('transactional', 'transactional')], max_length=16)),
                ('campaign', models.CharField(blank=True, help_text="A code of the sender's; no personal data.", max_length=64)),
                ('sent_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['subject', 'sent_at'], name='contact_by_subject')],
                'constraints': [models.CheckConstraint(condition=models.Q(('message_class__in', ('marketing', 'transactional'))), name='contact_class_known')],
            },
        ),
        migrations.CreateModel(
            name='PrivacyNotice',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notices', to='governance.controller')),
                ('key', models.SlugField(max_length=64)),
                ('title', models.CharField(max_length=200)),
                ('material_version', models.PositiveIntegerField(default=1, help_text='The latest version that changed so much that older consents must be renewed.')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('controller', 'key'), name='privacynotice_key_unique')],
            },
        ),
        migrations.CreateModel(
            name='NoticeRevision',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('notice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='revisions', to='consent.privacynotice')),
                ('version', models.PositiveIntegerField()),
                ('language', models.CharField(max_length=16)),
                ('text', models.TextField()),
                ('digest', models.CharField(help_text='SHA-256 of the text in UTF-8.', max_length=64)),
                ('material', models.BooleanField(default=False, help_text='Older consents must be renewed.')),
                ('published_at', models.DateTimeField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('notice', 'version', 'language'), name='noticerevision_version_unique')],
            },
        ),
        migrations.CreateModel(
            name='ConsentEvent',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.controller')),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.datasubject')),
                ('purpose', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.purpose')),
                ('purpose_version', models.PositiveIntegerField()),
                ('channel', models.CharField(blank=True, help_text='Empty: every channel of the purpose.', max_length=32)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('pending_confirmation', 'pending_confirmation'), ('given', 'given'), ('refused', 'refused'), ('withdrawn', 'withdrawn'), ('revoked', 'revoked'), ('expired', 'expired'), ('invalidated', 'invalidated'), ('objected', 'objected')], max_length=24)),
                ('consent_type', models.CharField(choices=[('expressed', 'Expressed'), ('explicit', 'Explicit')], default='expressed', max_length=16)),
                ('method', models.CharField(choices=[('api', 'Api'), ('double_opt_in', 'Double Opt In'), ('import', 'Import'), ('in_person', 'In Person'), ('one_click', 'One Click'), ('phone', 'Phone'), ('preference_centre', 'Preference Centre'), ('staff', 'Staff'), ('web_form', 'Web Form')], max_length=24)),
                ('notice_revision', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consent.noticerevision')),
                ('collection_point', models.CharField(blank=True, help_text='Which form or page; no personal data.', max_length=120)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('actor_ref', models.CharField(max_length=80)),
                ('evidence', governance.fields.SealedField(kind='json', label='consent.evidence', null=True, scope_field='subject_id', scope_kind='subject')),
            ],
            options={
                'indexes': [models.Index(fields=['subject', 'purpose', 'occurred_at'], name='consentevent_by_subject'), models.Index(fields=['controller', 'recorded_at'], name='consentevent_recent'), models.Index(fields=['controller', 'occurred_at', 'purpose', 'state'], name='consentevent_counted')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['expired', 'given', 'invalidated', 'objected', 'pending_confirmation', 'refused', 'requested', 'revoked', 'withdrawn'])), name='consentevent_state_known'), models.CheckConstraint(condition=models.Q(('consent_type__in', ['explicit', 'expressed'])), name='consentevent_type_known')],
            },
        ),
        migrations.CreateModel(
            name='ConsentState',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('controller', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.controller')),
                ('subject', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.datasubject')),
                ('purpose', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.purpose')),
                ('channel', models.CharField(blank=True, max_length=32)),
                ('state', models.CharField(choices=[('requested', 'requested'), ('pending_confirmation', 'pending_confirmation'), ('given', 'given'), ('refused', 'refused'), ('withdrawn', 'withdrawn'), ('revoked', 'revoked'), ('expired', 'expired'), ('invalidated', 'invalidated'), ('objected', 'objected')], max_length=24)),
                ('consent_type', models.CharField(choices=[('expressed', 'Expressed'), ('explicit', 'Explicit')], max_length=16)),
                ('method', models.CharField(choices=[('api', 'Api'), ('double_opt_in', 'Double Opt In'), ('import', 'Import'), ('in_person', 'In Person'), ('one_click', 'One Click'), ('phone', 'Phone'), ('preference_centre', 'Preference Centre'), ('staff', 'Staff'), ('web_form', 'Web Form')], max_length=24)),
                ('event', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consent.consentevent')),
                ('notice', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='consent.privacynotice')),
                ('notice_version', models.PositiveIntegerField(null=True)),
                ('occurred_at', models.DateTimeField()),
                ('recorded_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField(null=True)),
                ('objected_at', models.DateTimeField(help_text='Latest objection (GDPR Art. 21), also under a newer event.', null=True)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('subject', 'purpose', 'channel'), name='consentstate_unique'), models.CheckConstraint(condition=models.Q(('state__in', ['expired', 'given', 'invalidated', 'objected', 'pending_confirmation', 'refused', 'requested', 'revoked', 'withdrawn'])), name='consentstate_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('notice__isnull', True), ('notice_version__isnull', True)), models.Q(('notice__isnull', False), ('notice_version__isnull', False)), _connector='OR'), name='consentstate_notice_has_version')],
            },
        ),
    ]
